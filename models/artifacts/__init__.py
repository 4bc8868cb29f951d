"""What training saves and the service loads, and what each is called in MLflow."""
