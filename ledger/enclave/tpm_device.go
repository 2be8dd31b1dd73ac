package enclave

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/google/go-tpm/tpm2/transport"
)

// maxTPMWait bounds one use of an emulator. A TPM may take seconds to derive an RSA key.
const maxTPMWait = 2 * time.Minute

// ErrNoTPM reports that the path is neither a TPM's device nor an emulator's socket.
var ErrNoTPM = errors.New("no TPM")

// dialTPM opens a character device or connects to a Unix socket: nothing that another machine can reach. A socket is held for the whole
// use, for an emulator has no resource manager and serves one connection after the other.
func dialTPM(path string) (transport.TPMCloser, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTPM, err)
	}
	var opened io.ReadWriteCloser
	switch {
	case info.Mode()&os.ModeSocket != 0:
		opened, err = dialEmulator(path)
	case info.Mode()&os.ModeCharDevice != 0:
		opened, err = os.OpenFile(path, os.O_RDWR, 0)
	default:
		return nil, fmt.Errorf("%w: %s is neither a character device nor a Unix socket", ErrNoTPM, path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTPM, err)
	}
	return transport.FromReadWriteCloser(opened), nil
}

func dialEmulator(path string) (net.Conn, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(maxTPMWait))
}
