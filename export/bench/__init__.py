"""The benchmark: each target's documented road and ours, beside torch, in one interleaved run. Develops only: the
package's users need none of it."""
