"""Protocol Buffers of senders: published messages, and the modules generated from them."""
