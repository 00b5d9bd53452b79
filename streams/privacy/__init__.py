"""What of an event is not to be known: done before Kafka, so that it is nowhere."""
