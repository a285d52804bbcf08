"""Forms of the console's lowest layer, and the parts that other apps' forms are made of."""
