"""AWS End User Messaging as it is simulated: its API, and SNS that posts what happens."""
