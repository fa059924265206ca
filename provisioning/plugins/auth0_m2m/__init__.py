"""Auth0 Machine-to-Machine: a key is an application at Auth0, bound to the customer's organization."""
