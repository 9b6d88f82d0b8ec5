package codec

// Variant passes the tag byte of a Borsh enum and then its record. Reading, open
// returns the empty record for a tag, or nil for a tag that is not known.
func Variant[R Record](c *Codec, v *R, tagOf func(R) uint8, open func(tag uint8) (R, bool)) {
	var tag uint8
	if !c.decoding {
		tag = tagOf(*v)
	}
	c.Uint8(&tag)
	if c.err != nil {
		return
	}
	if c.decoding {
		r, known := open(tag)
		if !known {
			c.Fail("unknown tag %d", tag)
			return
		}
		*v = r
	}
	(*v).Borsh(c)
}
