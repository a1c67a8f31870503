static int f(int x)
{
	if (x) { /* } */
		return g("}\"{");
	}
#if A
	{
#else
	{
#endif
	}
	return '{';
}

int g(void)
{
}
