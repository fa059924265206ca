"""How allauth behaves here: who may make an account, what its forms ask for, what follows from them."""
