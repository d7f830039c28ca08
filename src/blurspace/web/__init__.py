"""What can be seen and done in a browser? One page, and the server of this machine behind it."""
