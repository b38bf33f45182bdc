"""The built-in tasks, one file each, registered under ``zoo.tasks`` as anybody else's would be."""
