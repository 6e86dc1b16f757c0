"""What correct programs can answer: one abstract domain of bounds over the operators of a graph.

Proofs about changed graphs use it over boxes of rows, exports and checks over the rows of a batch.
"""
