package enclave

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/fxamacker/cbor/v2"
	"golang.org/x/sys/unix"
)

const (
	// maxNSMReply is the size that the module's driver offers for a reply.
	maxNSMReply = 0x3000
	// nsmCall is _IOWR(0x0A, 0, struct nsm_raw) of the kernel's uapi/linux/nsm.h: two buffers, of address and length.
	nsmCall = 3<<30 | unsafe.Sizeof(nsmMessage{})<<16 | 0x0A<<8
)

// nitroEncoding writes requests.
var nitroEncoding = must(cbor.EncOptions{}.EncMode())

// nsmMessage is struct nsm_raw.
type nsmMessage struct {
	request, reply unix.Iovec
}

// askNSM sends one request to the device.
func askNSM(request []byte) ([]byte, error) {
	device, err := os.OpenFile(nitroDevice, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer device.Close()
	reply := make([]byte, maxNSMReply)
	var message nsmMessage
	message.request.Base, message.reply.Base = &request[0], &reply[0]
	message.request.SetLen(len(request))
	message.reply.SetLen(len(reply))
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, device.Fd(), nsmCall, uintptr(unsafe.Pointer(&message)))
	runtime.KeepAlive(request)
	if errno != 0 {
		return nil, fmt.Errorf("ask %s: %w", nitroDevice, errno)
	}
	if n := message.reply.Len; n < uint64(len(reply)) {
		reply = reply[:n]
	}
	return reply, nil
}
