"""Two players that look at whose turn it is."""

import torch

import zoo


class Game(zoo.Model):
    """y is a field plus noise; a critic looks at both."""

    def __init__(self, x_shape, y_shape, **config):
        super().__init__(x_shape, y_shape, **config)
        size = torch.Size(y_shape).numel()
        self.field, self.critic = torch.nn.Parameter(torch.zeros(size)), torch.nn.Linear(size, 1)

    def optimizers(self):
        players = {"critic": [*self.critic.parameters()], "field": [self.field]}
        return {name: torch.optim.Adam(weights, lr=1e-3) for name, weights in players.items()}

    def losses(self, batch, step):
        made = self.critic(self.field + torch.randn(len(batch.y), len(self.field), generator=step.generator))
        if step.turn == "field":
            return {"total": -made.mean()}
        return {"total": (made - self.critic(batch.y.flatten(1))).mean()}

    def draw(self, code, n, noise):
        return (self.field + noise.normal(n, len(self.field))).unflatten(2, self.y_shape)
