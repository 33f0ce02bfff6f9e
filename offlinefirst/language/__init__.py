"""What an app needs to speak, read and write in the language of the people who use it."""
