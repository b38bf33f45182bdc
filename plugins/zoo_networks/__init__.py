"""The ground of several families: U-Net, DCGAN towers, regression networks, locality-preserving projections."""
