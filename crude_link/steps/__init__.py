"""Between a Step and its process: what it is started with, and what it leaves behind."""
