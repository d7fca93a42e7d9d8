LAYER = "changed"
