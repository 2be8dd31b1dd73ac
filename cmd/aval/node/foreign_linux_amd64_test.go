package node_test

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// callBy32Bits asks for the process's ID as a 32-bit program does, by another number and another door of the kernel than 64-bit ones.
func callBy32Bits() error {
	code := []byte{
		0xb8, 20, 0, 0, 0, // mov eax, 20: getpid, of the 32-bit numbers
		0xcd, 0x80, // int 0x80
		0xc3, // ret
	}
	page, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return fmt.Errorf("map code: %w", err)
	}
	defer unix.Munmap(page)
	copy(page, code)
	if err := unix.Mprotect(page, unix.PROT_READ|unix.PROT_EXEC); err != nil {
		return fmt.Errorf("map code: %w", err)
	}
	entry := &page[0]
	called := &entry
	if got := (*(*func() int)(unsafe.Pointer(&called)))(); got < 0 {
		return unix.Errno(-got)
	}
	return nil
}
