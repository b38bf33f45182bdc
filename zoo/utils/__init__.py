"""What every room stands on: errors, settings, devices, files, noise, progress, threads, folders, the version."""
