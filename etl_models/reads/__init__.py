"""What operations give back: frozen values that outlive their session and write themselves as JSON."""
