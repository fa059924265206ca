"""An identity provider as a process: Node's oidc-provider, a certified implementation."""
