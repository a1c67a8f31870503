#define A \
  { \
  }
int h(void) { return 0; } // {
int i(
  int a)
{
  A
}