"""What the schedule's jobs do where one service isn't all of it."""
