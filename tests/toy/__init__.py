"""Another project's app: its models are automated without the CRM knowing of them."""
