package enclave

import (
	_ "github.com/google/go-tdx-guest/client" // until the next commit
	_ "github.com/google/go-tdx-guest/verify"
)
