import huggingface_hub  # noqa: F401
from planted_right import model

model("heavy-import", "importing_it_is_quick")
