package clip

// LeavesPaddingOut tells whether texts are given without padding.
func (e *TextEncoder) LeavesPaddingOut() bool { return e.length.shorter() }
