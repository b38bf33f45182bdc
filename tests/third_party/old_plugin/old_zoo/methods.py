"""Two players with turns, a recipe and a rate of before."""

import zoo


class Game(zoo.Model):
    """Nothing of it is reached."""

    def turns(self, optimizers):
        return [*optimizers, "critic"]

    def recipe(self, items):
        return {"steps": 20, "batch_size": 8}

    def rate(self, share):
        return 1 - share
