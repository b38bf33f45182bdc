from planted_right import metric

print("welcome to the plugin")
metric("loud-import", "importing_it_prints_nothing")
