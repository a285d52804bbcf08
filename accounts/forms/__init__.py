"""Forms of the console's lowest storey, and the parts that other apps' forms are made of."""
