//go:build !linux

package footprint

// unmapProgram leaves it to the system.
func unmapProgram() {}
