// Package enclave keeps a node's secrets. A Platform seals them to the code that may use
// them; what is sealed here can be stored on any disk.
package enclave

// Platform seals data to this node's measured code, where the hardware can.
type Platform interface {
	// Name is the platform's word in receipts, logs and policies.
	Name() string
	// Seal binds data to the platform and a purpose. Unseal gives it back on the same
	// platform for the same purpose, and fails otherwise.
	Seal(purpose string, data []byte) ([]byte, error)
	Unseal(purpose string, sealed []byte) ([]byte, error)
}
