print("lacuna")
