"""The paper's six findings in miniature, and the data's own ablation: arms as recipes, one log line an arm, a page from the log."""
