"""What tests share beside fixtures: data, designs and runs made for them, and ways to look at what came of it."""
