"""What several families build on: U-Net, DCGAN towers, regression networks, locality-preserving projections."""
