module latchkey

go 1.23
