"""From a graph to what travels: rows and answers, session, artifact on disk, recorded rows, recipes."""
