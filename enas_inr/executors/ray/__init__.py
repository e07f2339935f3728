"""Ray: the executor of a cluster, and the strategy that trains its trials with Ray Tune."""
