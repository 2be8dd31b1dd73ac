package ledger

import "aval/domain/canon"

// chunks writes values into the files of an archive as canonical lists, a file for about chunkBytes.
type chunks[T any] struct {
	put Put
	// name is that of the n-th file.
	name   func(n int) string
	files  int
	values []T
	bytes  int
}

// add takes a value, and how many bytes it counts for.
func (c *chunks[T]) add(value T, bytes int) error {
	c.values, c.bytes = append(c.values, value), c.bytes+bytes
	if c.bytes < chunkBytes {
		return nil
	}
	return c.flush()
}

// flush writes what is left, if anything is.
func (c *chunks[T]) flush() error {
	if len(c.values) == 0 {
		return nil
	}
	data, err := canon.Marshal(c.values)
	if err == nil {
		err = c.put(c.name(c.files), data)
	}
	c.values, c.bytes, c.files = nil, 0, c.files+1
	return err
}
