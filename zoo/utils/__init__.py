"""The ground of every room: errors, settings, devices, files, noise, progress, threads, folders, the version."""
