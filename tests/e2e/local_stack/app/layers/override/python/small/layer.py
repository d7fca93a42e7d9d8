LAYER = "override"
