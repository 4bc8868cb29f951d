"""Ways in beside HTTP: the same decoders and the same rooms, behind another protocol."""
