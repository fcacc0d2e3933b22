"""`cld sync`: matching of names, the plan, and the questions before it is carried out."""
