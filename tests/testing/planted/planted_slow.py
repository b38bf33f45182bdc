import time

from planted_right import model

time.sleep(2.1)
model("slow-import", "importing_it_is_quick")
