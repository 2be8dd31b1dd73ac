package enclave

import (
	_ "github.com/google/go-sev-guest/client" // libraries of the next commits
	_ "github.com/google/go-sev-guest/verify"
	_ "github.com/google/go-tdx-guest/client"
	_ "github.com/google/go-tdx-guest/verify"
)
