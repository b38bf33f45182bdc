"""The ground of several families: U-Net, DCGAN towers, regression and code VAEs, Gaussians, units, embeddings."""
