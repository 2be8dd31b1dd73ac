package ledger

import (
	"errors"
	"math/bits"
	"slices"
)

// padStep is the distance of the size classes of small bodies.
const padStep = 128

// padEnd marks the end of what is padded; only zeros follow (ISO/IEC 7816-4).
const padEnd = 0x80

// paddedSize is the size class of n bytes: the next multiple of padStep, and for large n the next
// number with no more significant bits than its length in bits has (PADMÉ, Nikitin et al. 2019), at most 12 % more.
func paddedSize(n int) int {
	exponent := bits.Len(uint(n)) - 1
	step := max(padStep, 1<<max(0, exponent-bits.Len(uint(exponent))))
	return (n + step - 1) / step * step
}

// pad gives a body, its end, and zeros up to its size class.
func pad(body []byte) []byte {
	padded := make([]byte, paddedSize(len(body)+1))
	padded[copy(padded, body)] = padEnd
	return padded
}

var errPadding = errors.New("a body that was sealed without its size class")

// unpad gives the body back.
func unpad(padded []byte) ([]byte, error) {
	end := len(padded) - 1
	for end >= 0 && padded[end] == 0 {
		end--
	}
	if end < 0 || padded[end] != padEnd || len(padded) != paddedSize(end+1) {
		return nil, errPadding
	}
	return slices.Clip(padded[:end]), nil
}
