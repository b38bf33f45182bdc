"""The ground of several families: U-Net, DCGAN towers, regression and code VAEs, Gaussians, units, embeddings.

Metrics and families see pictures by the same network (:mod:`zoo_networks.efficientnet`).
"""
