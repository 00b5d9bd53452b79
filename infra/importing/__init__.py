"""Files of other systems, read line by line and sent: bounded memory, resumable, nothing twice."""
