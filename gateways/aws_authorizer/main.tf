# Terraform: the authorizer as a function, and in front of an HTTP API of yours.
#   python manage.py build_aws_authorizer --output authorizer.zip
#   terraform apply -var http_api_id=a1b2c3d4e5

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80"
    }
  }
}

variable "http_api_id" {
  description = "Of the aws_apigatewayv2_api whose routes need a key"
  type        = string
}

data "aws_partition" "current" {}

resource "aws_iam_role" "authorizer" {
  name = "latchkey-authorizer"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Action    = "sts:AssumeRole"
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.authorizer.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "authorizer" {
  function_name    = "latchkey-authorizer"
  role             = aws_iam_role.authorizer.arn
  filename         = "authorizer.zip"
  source_code_hash = filebase64sha256("authorizer.zip")
  handler          = "lambda_function.lambda_handler"
  runtime          = "python3.13"
  architectures    = ["x86_64"]
  memory_size      = 512
  timeout          = 10

  environment {
    variables = {
      ISSUER         = "https://portal.example.com"
      AUDIENCE       = "https://api.example.com"
      JWKS_URI       = "https://portal.example.com/.well-known/jwks.json"
      CUSTOMER_CLAIM = "org_id"
    }
  }
}

resource "aws_apigatewayv2_authorizer" "keys" {
  api_id                            = var.http_api_id
  name                              = "latchkey"
  authorizer_type                   = "REQUEST"
  authorizer_uri                    = aws_lambda_function.authorizer.invoke_arn
  authorizer_payload_format_version = "2.0"
  enable_simple_responses           = true
  # A simple response is a verdict on one route: the route is part of what is cached.
  identity_sources                 = ["$request.header.Authorization", "$context.routeKey"]
  authorizer_result_ttl_in_seconds = 60
}

resource "aws_lambda_permission" "api_gateway" {
  statement_id  = "AllowApiGateway"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.authorizer.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:*:*:${var.http_api_id}/authorizers/${aws_apigatewayv2_authorizer.keys.id}"
}
